'use strict';

const { call } = require('../http');

module.exports = {
  key: 'session',
  noun: 'Session',
  display: { label: 'Find Session', description: 'Finds a session by its id, with its answer when it is over.' },
  operation: {
    perform: async (z, bundle) => {
      const path = `/api/v1/sessions/${encodeURIComponent(bundle.inputData.id)}`;
      return [await call(z, bundle, 'GET', path)];
    },
    inputFields: [{ key: 'id', label: 'Session', type: 'string', required: true }],
    sample: { id: 'S-4T9C', status: 'completed', answer: 'Sent.' },
  },
};
