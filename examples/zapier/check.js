// Whether Zapier would take this app: `node check.js`, after `npm install` (docs/zapier.md).
'use strict';

const { createAppHandler } = require('zapier-platform-core');

const app = require('./index');

// The command that `zapier-platform validate` gives the app.
createAppHandler(app)({ command: 'validate' }).then(({ results }) => {
  for (const error of results) {
    console.error(error.stack || JSON.stringify(error));
  }
  console.log(results.length ? `${results.length} errors` : 'valid');
  process.exitCode = results.length ? 1 : 0;
});
