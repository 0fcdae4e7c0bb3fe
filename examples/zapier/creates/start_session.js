'use strict';

const { call } = require('../http');

const perform = async (z, bundle) => {
  const { workflow, task, key } = bundle.inputData;
  const headers = key ? { 'Idempotency-Key': `zapier:${key}` } : {};
  return call(z, bundle, 'POST', '/api/v1/sessions', { body: { workflow, task }, headers });
};

module.exports = {
  key: 'start_session',
  noun: 'Session',
  display: { label: 'Start Session', description: 'Starts a workflow, as the person of the connection.' },
  operation: {
    perform,
    inputFields: [
      {
        key: 'workflow',
        label: 'Workflow',
        type: 'string',
        required: true,
        dynamic: 'workflows.id.title',
      },
      { key: 'task', label: 'Task', type: 'text', required: true },
      {
        key: 'key',
        label: 'Key',
        type: 'string',
        helpText: 'An id of the step before: a Zap that is run again with it starts nothing twice.',
      },
    ],
    sample: { id: 'S-4T9C', status: 'running' },
  },
};
