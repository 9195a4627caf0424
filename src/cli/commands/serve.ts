// What `op-dbus serve|health` say of themselves.
import { command } from '../command.js'
import { flagsOf } from '../flags.js'

export const serve = command({
  name: 'serve',
  about: "a server: embeddings by OpenAI's API, a console, metrics",
  more:
    'Other programs get cached embeddings by the API that they already speak; people get a console at the same address. It listens on this ' +
    'machine alone unless --host says otherwise, and runs until Ctrl+C or SIGTERM: what is in hand is answered first. Whatever changes ' +
    'something takes the write token, which lies in a file that the start names. The unix socket is for its owner alone and needs no token.',
  options: {
    host: {
      value: 'ADDRESS',
      help: 'Where it listens. Another address than loopback needs --token-file.',
      default: '127.0.0.1',
    },
    port: { value: 'N', help: 'Port; 0 takes a free one.', default: '8787' },
    socket: { value: 'PATH', help: 'The unix socket.', default: 'daemon.sock in the cache folder', completes: 'file' },
    'no-socket': { help: 'No unix socket.' },
    'token-file': {
      value: 'FILE',
      help: 'The token that may change and read, in a file that is yours alone. With it, reading needs a token too.',
      completes: 'file',
    },
    'read-token-file': { value: 'FILE', help: 'A token that may only read.', completes: 'file' },
    'allow-host': {
      value: 'NAME',
      help: 'Another name that requests may give for this server; may be repeated.',
      repeated: true,
    },
    cors: {
      value: 'ORIGIN',
      help: 'Pages of this origin may ask (https://app.example); may be repeated.',
      repeated: true,
    },
    alias: {
      value: 'NAME=MODEL',
      help: 'Another name for a model, such as the one that a client insists on; may be repeated.',
      repeated: true,
    },
    'token-arrays': {
      value: 'NAME',
      help: 'How inputs are read that come as numbers of tokens, which are refused otherwise: cl100k_base.',
      completes: ['cl100k_base'],
    },
    extras: { help: 'Answers say where each row came from, also where it was not asked for.' },
    'max-body': { value: 'BYTES', help: 'Largest body of a request.', default: '16777216' },
    'max-batch': { value: 'N', help: 'Most texts in a request.', default: '2048' },
    'max-requests': { value: 'N', help: 'Requests in hand; more are answered 429.', default: '512' },
    'request-timeout': { value: 'SECONDS', help: 'How long an answer may take.', default: '120' },
    'log-level': {
      value: 'LEVEL',
      help: 'What is logged to standard error, a JSON object a line: debug (every request), info, warn, error or none.',
      default: 'warn on a terminal, else info',
      completes: ['debug', 'info', 'warn', 'error', 'none'],
    },
    ...flagsOf('cache', 'tuning', 'model', 'device', 'patterns', 'data', 'state', 'chain'),
    model: {
      short: 'm',
      value: 'NAME',
      help: 'A model to serve, as embed takes it; may be repeated: requests choose by name, and the first serves those that name none.',
      default: 'builtin',
      variables: ['OP_DBUS_MODEL', 'OP_DBUS_VECTOR_LEVEL'],
      completes: ['builtin', 'low', 'medium', 'high'],
      repeated: true,
    },
  },
  variables: [
    'warmStart',
    'embeddingPolicy',
    'queryPolicy',
    'diffPolicy',
    'blockPolicy',
    'ovsdb',
    'systemdBus',
    'lxcPath',
    'pluginTimeout',
    'queryCacheTtl',
    'queryPush',
  ],
  examples: [
    'op-dbus serve',
    'op-dbus serve --model low --model medium --port 9000',
    '(umask 077; openssl rand -hex 32 > token) && op-dbus serve --host 0.0.0.0 --token-file token',
    'op-dbus serve --cors https://app.example --alias text-embedding-3-small=builtin',
  ],
  exitCodes: [3, 10],
  run: async call => (await import('../run/serve.js')).runServer(call),
})

export const health = command({
  name: 'health',
  about: 'whether a server here is ready to embed',
  more: "Asks the unix socket of this user's server, or the address that is named. For scripts, containers and service managers: the exit code says it.",
  options: {
    url: { value: 'URL', help: 'Ask there instead (http://127.0.0.1:8787).' },
    socket: {
      value: 'PATH',
      help: 'Ask at this socket.',
      default: 'daemon.sock in the cache folder',
      completes: 'file',
    },
    live: { help: 'Only whether it lives, not whether it can embed.' },
    timeout: { value: 'SECONDS', help: 'How long to wait for the answer.', default: '10' },
    ...flagsOf('dir'),
  },
  examples: ['op-dbus health', 'op-dbus health --url http://127.0.0.1:8787 --live'],
  exitCodes: [12],
  run: async call => (await import('../run/health.js')).health(call),
})
