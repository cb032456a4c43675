// Orders places on the server's tape. A position is `<epoch>-<seq>`; only positions of one epoch can be compared.

/**
 * Whether `candidate` may replace what was shown at `held`. An item without a position (the server has lost its
 * ordering for a while) or of another epoch (it restarted) is taken: the stream itself is in order.
 * @param {string | undefined} candidate
 * @param {string | undefined} held
 * @returns {boolean}
 */
export function isNewer(candidate, held) {
  if (!candidate || !held) return true;
  const [epoch, seq] = parts(candidate);
  const [heldEpoch, heldSeq] = parts(held);
  if (epoch !== heldEpoch) return true;
  if (seq === undefined || heldSeq === undefined) return candidate !== held;
  return seq > heldSeq;
}

function parts(position) {
  const dash = position.lastIndexOf('-');
  const seq = position.slice(dash + 1);
  return [position.slice(0, dash), /^\d{1,40}$/.test(seq) ? BigInt(seq) : undefined];
}
