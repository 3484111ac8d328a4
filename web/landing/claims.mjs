// What the pages say of parts that are not finished everywhere. While one is false, the pages call it
// "in preparation". tests/web/landing.test.mjs fails when one is true against docs/security.

export const claims = {
  rateLimits: false,  // exact limits for each scope, enforced on the way out
  spendCap: false,    // dollars a day for models, enforced on the way out
  approvals: false,   // requests held until a person grants them
};
