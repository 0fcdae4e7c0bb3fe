'use strict';

const { call } = require('../http');

// For the list in a field, and for nothing else.
module.exports = {
  key: 'workflows',
  noun: 'Workflow',
  display: { label: 'Workflows', description: 'Lists the workflows of the server.', hidden: true },
  operation: {
    type: 'polling',
    perform: async (z, bundle) => {
      const known = await call(z, bundle, 'GET', '/api/v1/workflows');
      return known.items.map((each) => ({ id: each.name, title: each.title }));
    },
    sample: { id: 'sales_quote', title: 'Sales quote' },
  },
};
