'use strict';

const { call } = require('../http');

// The newest first; Zapier keeps the ids, and begins a Zap once for each.
const perform = async (z, bundle) => {
  const params = { status: 'pending', mine: 'true', limit: '100' };
  const page = await call(z, bundle, 'GET', '/api/v1/requests', { params });
  return page.items.map((request) => ({
    ...request,
    // Whoever decides does so by what they were shown, and it has to be all of it.
    arguments_text: JSON.stringify(request.arguments, null, 2),
  }));
};

module.exports = {
  key: 'request_waits',
  noun: 'Request',
  display: {
    label: 'Request Waits',
    description: 'Triggers when a call of an agent waits for you to decide it.',
  },
  operation: {
    type: 'polling',
    perform,
    sample: {
      id: 'R-7F3K2M9QXC4V',
      session_id: 'S-4T9C',
      tool: 'release_quote',
      agent: 'sales',
      requester: 'sam',
      rationale: 'The customer asked for it.',
      risk: 'high',
      digest: '3f0c'.padEnd(64, '0'),
      revision: 1,
      status: 'pending',
      arguments_text: '{\n  "amount": 27000\n}',
      created_at: '2026-11-30T09:00:00Z',
      expires_at: null,
    },
    outputFields: [
      { key: 'id', label: 'Request' },
      { key: 'tool', label: 'Tool' },
      { key: 'arguments_text', label: 'Arguments' },
      { key: 'rationale', label: 'Why' },
      { key: 'requester', label: 'For' },
      { key: 'digest', label: 'Digest' },
      { key: 'session_id', label: 'Session' },
    ],
  },
};
