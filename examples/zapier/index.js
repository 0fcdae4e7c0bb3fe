'use strict';

const authentication = require('./authentication');
const { authorised } = require('./http');
const requestWaits = require('./triggers/request_waits');
const workflows = require('./triggers/workflows');
const decide = require('./creates/decide');
const startSession = require('./creates/start_session');
const session = require('./searches/session');

module.exports = {
  version: require('./package.json').version,
  platformVersion: require('zapier-platform-core').version,
  // What is empty is left out by us, where that means something.
  flags: { cleanInputData: false },
  authentication,
  beforeRequest: [authorised],
  triggers: { [requestWaits.key]: requestWaits, [workflows.key]: workflows },
  creates: { [decide.key]: decide, [startSession.key]: startSession },
  searches: { [session.key]: session },
};
