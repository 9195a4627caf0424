// What the system says of a file that cannot be read or written, in words. Loads nothing: `--help` uses it too.
import { messageOf } from '../errors.js'

const IN_WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBADF: 'it is not open for this',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than allowed',
  EISDIR: 'it is a folder',
  ELOOP: 'too many links lead on from it',
  ENAMETOOLONG: 'the name is too long',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is no folder',
  ENXIO: 'nothing can be written there',
  EPERM: 'permission denied',
  EROFS: 'the disk cannot be written to',
}

/** `instead`: other words for this place. */
export function inWords(error: unknown, instead: Readonly<Record<string, string>> = {}): string {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException
  return instead[code] ?? IN_WORDS[code] ?? messageOf(error)
}
