// What the pages say of parts that are not finished everywhere. While one is false, the pages call it
// "in preparation". tests/web/landing.test.mjs fails when one is true against docs/security.

export const claims = {
  rateLimits: true,   // exact limits for each scope, enforced on the way out
  spendCap: true,     // dollars a day for models, enforced on the way out
  approvals: true,    // requests held until a person grants them
};
