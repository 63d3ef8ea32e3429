/** Multiplying with it or with its inverse rounds nothing, and dividing by it leaves nothing above 1. */
export function powerOfTwoAbove(value: number): number {
  if (value === 0) return 1
  return Math.min(Math.max(2 ** Math.ceil(Math.log2(value)), 2 ** -1022), 2 ** 1023)
}
