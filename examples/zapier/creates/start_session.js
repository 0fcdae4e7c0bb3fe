'use strict';

const { call } = require('../http');

// Zapier gives an action nothing that stays the same when a Zap is run again (`bundle.meta` of
// zapier-platform-core 19.1.0), so the key has to come from the step before.
const perform = async (z, bundle) => {
  const { workflow, task } = bundle.inputData;
  const key = String(bundle.inputData.key || '').trim();
  if (!key) {
    throw new z.errors.Error(
      'The key is empty, so nothing was started: a Zap that is run again would start it twice. '
        + 'Take an id that the trigger gives.',
      'InvalidData',
      400,
    );
  }
  const headers = { 'Idempotency-Key': `zapier:${key}` };
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
        required: true,
        helpText:
          'The id that the trigger gives, which stays the same when the Zap is run again (no time, and '
          + 'no text of your own): nothing is started twice, and another task with it is refused.',
      },
    ],
    sample: { id: 'S-4T9C', status: 'running' },
  },
};
