// Says in words what a hole in the stream means. What was missed cannot be had again, and the reader should know.

const REASONS = {
  epoch: 'The server restarted and its history is gone',
  evicted: 'This page was cut off for longer than the server keeps history',
  unrecorded: 'For a while nobody watched, so nothing was recorded',
  unknown: 'The server does not know where this page left off',
};

/**
 * @param {string} reason
 * @returns {string}
 */
export function describeGap(reason) {
  return `${REASONS[reason] ?? 'Part of the history is missing'}: showing the latest.`;
}
