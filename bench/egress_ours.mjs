// Our own egress as the bench sees it: an explicit HTTP proxy that takes CONNECT.

// Starts it on localhost so that it trusts `ca` (of tests/fakes/authority.mjs) and admits the origin on
// `originPort` with policy, injection, scrubbing and audit on. Answers
//   {port, caFile: whom its clients trust, pids: roots of its process tree, host: the origin's name for
//    CONNECT, workerPid: one idle worker (its PSS is told), stop()}
// or undefined while there is nothing to start.
export async function startOurs(_ca, _originPort) {
  return undefined;
}
