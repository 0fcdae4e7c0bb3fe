'use strict';

// The token of the person, for calls of their own server alone.
const authorised = (request, z, bundle) => {
  const base = address(bundle);
  if (bundle.authData.token && request.url.startsWith(`${base}/`)) {
    request.headers.Authorization = `Bearer ${bundle.authData.token}`;
  }
  request.skipThrowForStatus = true;
  return request;
};

// Without a slash at the end.
const address = (bundle) => String(bundle.authData.url || '').trim().replace(/\/+$/, '');

// The answer of the API; what it refuses is said in its own words (RFC 9457).
const call = async (z, bundle, method, path, options = {}) => {
  const response = await z.request({ url: `${address(bundle)}${path}`, method, ...options });
  if (response.status >= 200 && response.status < 300) {
    return response.data;
  }
  const said = (response.data && response.data.detail) || `The server answered ${response.status}.`;
  if (response.status === 401) {
    throw new z.errors.RefreshAuthError(said);
  }
  if (response.status === 429 || response.status === 503) {
    const wait = Number(response.getHeader('Retry-After')) || 60;
    throw new z.errors.ThrottledError(said, wait);
  }
  throw new z.errors.Error(said, `Http${response.status}`, response.status);
};

module.exports = { address, authorised, call };
