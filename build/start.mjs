// `npm start`: will serve the playground; until it is there, says what to run instead.
console.log(`The playground is not built yet. What there is:

  npm run demo                                  the caches at work, with measured times
  node dist/cli.js embed "Created container 100"
  node dist/cli.js --help`)
