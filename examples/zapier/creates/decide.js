'use strict';

const { call } = require('../http');

// The arguments that somebody typed, if there are any.
const changed = (z, text) => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new z.errors.Error('Changed arguments must be JSON, all of them.', 'InvalidData', 400);
  }
};

const perform = async (z, bundle) => {
  const { request, digest, verdict, comment, arguments: text } = bundle.inputData;
  const body = { verdict, digest, comment: comment || '' };
  if (verdict === 'modify') {
    body.arguments = changed(z, text);
  }
  const path = `/api/v1/requests/${encodeURIComponent(request)}/votes`;
  return call(z, bundle, 'POST', path, { body });
};

module.exports = {
  key: 'decide',
  noun: 'Decision',
  display: {
    label: 'Decide Request',
    description: 'Approves, changes or rejects a request, as the person of the connection.',
  },
  operation: {
    perform,
    inputFields: [
      { key: 'request', label: 'Request', type: 'string', required: true },
      {
        key: 'digest',
        label: 'Digest',
        type: 'string',
        required: true,
        helpText: 'Of what was shown. If the request has changed since, nothing is decided.',
      },
      {
        key: 'verdict',
        label: 'Verdict',
        type: 'string',
        required: true,
        choices: { approve: 'Approve', modify: 'Approve with changes', reject: 'Reject' },
      },
      { key: 'comment', label: 'Comment', type: 'text', helpText: 'Needed to reject.' },
      {
        key: 'arguments',
        label: 'Changed arguments',
        type: 'text',
        helpText: 'All of them as JSON, to approve with changes.',
      },
    ],
    sample: { id: 'R-7F3K2M9QXC4V', status: 'approved', tool: 'release_quote', revision: 1 },
  },
};
