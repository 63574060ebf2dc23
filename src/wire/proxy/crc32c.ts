// CRC-32C (Castagnoli), the checksum of PROXY v2 headers (RFC 4960 appendix B). Octets in, number out; where the checksum
// stands in a header is known to v2.ts.

const reflectedPolynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1)
    value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ reflectedPolynomial;
  return value;
});

/** The CRC-32C of octets, 0 to 2^32-1; of the ASCII digits `123456789` it is 0xE3069283. */
export function crc32c(octets: Uint8Array): number {
  let crc = 0xffffffff;
  for (const octet of octets) crc = (crc >>> 8) ^ (table[(crc ^ octet) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
