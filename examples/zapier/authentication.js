'use strict';

const { address, call } = require('./http');

module.exports = {
  type: 'custom',
  fields: [
    {
      key: 'url',
      label: 'Address of the server',
      type: 'string',
      required: true,
      helpText: 'Where people reach Countersign, such as `https://gate.example`.',
    },
    {
      key: 'token',
      label: 'Token',
      type: 'password',
      required: true,
      helpText: 'The bearer token of the person for whom this acts (`token_env` in `people`).',
    },
  ],
  test: async (z, bundle) => {
    const known = await call(z, bundle, 'GET', '/api/v1/workflows');
    return { workflows: known.items.length };
  },
  connectionLabel: (z, bundle) => address(bundle),
};
