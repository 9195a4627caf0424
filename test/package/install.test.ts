// The package as a stranger gets it: packed, installed into an empty project, with onnxruntime-node's install script
// run, skipped and failed; its CLI and both of its imports work each time.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonLines, root, runNode } from '../processes.js'
import { onPath } from '../programs.js'
import { newFolder } from '../support.js'
import { INSTALL_MS, installInto, npm, packed, projectWithPackage, QUIET } from './packed.js'

const work = newFolder()
let tarball: string
let files: string[]

beforeAll(async () => {
  tarball = (await packed()).tarball
  const listed = execFileSync('tar', ['tzf', tarball], { encoding: 'utf8' })
  files = listed
    .trim()
    .split('\n')
    .map(path => path.replace(/^package\//, ''))
}, 120_000)

afterAll(() => rmSync(work, { recursive: true, force: true }))

/** By the command line that `project` has installed, in `dir`. */
async function embed(project: string, dir = project) {
  const cli = join(project, 'node_modules', '.bin', 'op-dbus')
  const env = { OPDBUS_CACHE_DIR: join(dir, 'cache'), HOME: dir }
  return runNode([cli, 'embed', 'Created container 100', '--json', '--no-vector'], { cwd: dir, env })
}

const hasBinding = (dir: string) => existsSync(join(dir, 'node_modules', 'onnxruntime-node'))

describe('the packed package', () => {
  it('holds what it needs and nothing more', () => {
    for (const path of [
      'dist/node.js',
      'dist/web.js',
      'dist/worker.js',
      'dist/op-dbus-assets.json',
      'dist/cli.js',
      'dist/node-worker.js',
      'dist/types/node.d.ts',
    ]) {
      expect(files).toContain(path)
    }
    for (const path of [
      'LICENSE',
      'NOTICE',
      'README.md',
      'CHANGELOG.md',
      'dist/models/builtin/onnx/model_quantized.onnx',
    ]) {
      expect(files).toContain(path)
    }
    expect(files).not.toContain('dist/models/builtin/onnx/model.onnx')
    expect(files).toContain('deploy/op-dbus.service')
    // A container is built from a clone.
    expect(files.filter(path => path.includes('Dockerfile'))).toEqual([])
    expect(files.filter(path => /^(src|test|build|node_modules)\//.test(path))).toEqual([])
  })

  it('names no file of the machine it was built on', () => {
    for (const name of readdirSync(join(root, 'dist')).filter(file => file.endsWith('.js'))) {
      expect(readFileSync(join(root, 'dist', name), 'utf8')).not.toContain(root)
    }
  })
})

// Side by side: most of the time npm waits for the registry and for the disk.
describe.concurrent('the packed package, installed,', () => {
  it(
    'works with the install script skipped: CLI and both imports, on the CPU',
    async () => {
      const { dir: project } = await projectWithPackage()
      expect(hasBinding(project)).toBe(true)
      const dir = join(project, 'imports')
      rmSync(dir, { recursive: true, force: true })
      mkdirSync(dir)
      const { code, stdout, stderr } = await embed(project, dir)
      expect([code, stderr]).toEqual([0, ''])
      expect(jsonLines(stdout)[0]).toMatchObject({ source: 'computed', device: 'cpu', dims: 512 })
      writeFileSync(
        join(dir, 'use.mjs'),
        `import { openCaches } from 'op-dbus'
       import { openCaches as openWeb } from 'op-dbus/web'
       const caches = await openCaches({ dir: 'cache' })
       const { source } = await caches.embeddings.getOrEmbed('Created container 100')
       await caches.close()
       const embedder = { space: 'mine@1', dims: 2, embed: async texts => new Float32Array(2 * texts.length) }
       const web = await openWeb({ embedder })
       const sources = [(await web.embeddings.getOrEmbed('a')).source, (await web.embeddings.getOrEmbed('a')).source]
       console.log(JSON.stringify({ source, sources }))`,
      )
      const used = await runNode(['use.mjs'], { cwd: dir, env: { HOME: dir } })
      // The web root outside of a browser: it works, and says once that nothing is kept.
      expect(used.stderr).toMatch(/^op-dbus: [^\n]*no IndexedDB[^\n]*\n$/)
      expect(jsonLines(used.stdout)).toEqual([{ source: 'disk', sources: ['computed', 'memory'] }])
      // CommonJS may require it: Node 20.19 and newer load ESM there.
      writeFileSync(join(dir, 'use.cjs'), `const { openCaches } = require('op-dbus'); console.log(typeof openCaches)`)
      expect((await runNode(['use.cjs'], { cwd: dir })).stdout).toBe('function\n')
    },
    INSTALL_MS,
  )

  const unshare = onPath('unshare')
  const mounts = ['-m', '--propagation', 'private', 'sh', '-ec']
  const mayMount =
    process.getuid?.() === 0 && unshare !== undefined && spawnSync(unshare, [...mounts, 'true']).status === 0
  it.skipIf(!mayMount)(
    'serves as a user that owns nothing of it, from a root that is read-only, as its container does (skipped without root)',
    async () => {
      const { dir: project } = await projectWithPackage()
      const [dir, state] = [join(work, 'project'), join(work, 'state')]
      for (const folder of [dir, state]) mkdirSync(folder)
      chmodSync(work, 0o755)
      const [user, cli] = ['65534', join(dir, 'node_modules', 'op-dbus', 'dist', 'cli.js')]
      const op = `'${process.execPath}' '${cli}'`
      // Ends by itself, whatever becomes of this test; and with the daemon, where that does not start.
      const script = `
      mount --bind '${project}' '${dir}'
      mount -o remount,bind,ro '${dir}'
      mount -t tmpfs -o mode=0700,uid=${user},gid=${user} tmpfs '${state}'
      mount -o remount,bind,ro /
      for path in / '${dir}'; do
        if touch $path/changed 2>/dev/null; then echo "$path can be written to" >&2; exit 1; fi
      done
      export OPDBUS_CACHE_DIR='${state}/cache' OPDBUS_DATA_DIR='${state}/data' HOME=/nonexistent
      exec timeout --kill-after=5 100 setpriv --reuid ${user} --regid ${user} --clear-groups --no-new-privs sh -ec "
        ${op} serve --port 0 --quiet & daemon=\\$!
        until ${op} health --live 2>/dev/null; do kill -0 \\$daemon; sleep 0.1; done
        ${op} health
        kill \\$daemon; wait \\$daemon; echo ended \\$?
        ls -ld ${state}/cache ${state}/data"
    `
      const { code, stdout, stderr } = await runNode([...mounts, script], { program: unshare!, cwd: '/' })
      expect(code, stderr).toBe(0)
      expect(stdout).toContain('ended 0')
      expect(stdout.match(/^drwx------ /gm)).toHaveLength(2)
    },
    INSTALL_MS,
  )

  it('works when the install script ran, and when it failed: then by WebAssembly, with one line that says how to repair', async () => {
    // Where the script's feed cannot be reached it fails, and npm leaves the optional package out without a word. A
    // proxy that nobody listens on makes it fail everywhere.
    const dir = join(work, 'failed')
    await installInto(dir, tarball, {
      GLOBAL_AGENT_HTTPS_PROXY: 'http://127.0.0.1:9',
      ONNXRUNTIME_NODE_INSTALL: 'true',
    })
    if (hasBinding(dir)) rmSync(join(dir, 'node_modules', 'onnxruntime-node'), { recursive: true })
    const { code, stdout, stderr } = await embed(dir)
    expect(code).toBe(0)
    expect(jsonLines(stdout)[0]).toMatchObject({ source: 'computed', device: 'wasm', dims: 512 })
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain('ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node')
    const again = await embed(dir)
    expect([jsonLines(again.stdout)[0].source, again.stderr]).toEqual(['disk', ''])
    const cli = join(dir, 'node_modules', '.bin', 'op-dbus')
    const doctor = await runNode([cli, 'doctor', '--json', '--device', 'cpu'], {
      cwd: dir,
      env: { OPDBUS_CACHE_DIR: join(dir, 'cache') },
    })
    const cpu = JSON.parse(doctor.stdout).devices.find((device: { device: string }) => device.device === 'cpu')
    expect(cpu.works).toBe(false)
    expect(cpu.reason).toContain('onnxruntime-node')
    // The repair that the line names.
    await npm(dir, ['install', 'onnxruntime-node', ...QUIET], { ONNXRUNTIME_NODE_INSTALL: 'skip' })
    rmSync(join(dir, 'cache'), { recursive: true })
    expect(jsonLines((await embed(dir)).stdout)[0].device).toBe('cpu')
  }, 300_000)
})
