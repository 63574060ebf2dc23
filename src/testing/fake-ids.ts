// Ids that are the same in every run: for replies, logs and Received fields that a test compares.

/** Makes ids `TEST1`, `TEST2`, … Throws TypeError unless `prefix` is upper-case letters and digits, as real ids are. */
export function fakeIds(prefix = "TEST"): () => string {
  if (!/^[0-9A-Z]+$/.test(prefix)) {
    throw new TypeError(`fakeIds: want upper-case letters and digits, found ${JSON.stringify(prefix)}`);
  }
  let count = 0;
  return () => `${prefix}${(count += 1)}`;
}
