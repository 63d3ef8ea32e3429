import koffi from 'koffi'

/** `mallopt` parameters. Source: glibc's malloc.h. */
const TRIM_THRESHOLD = -1
const TOP_PAD = -2
const MMAP_THRESHOLD = -3

const KEPT_BYTES = 256 * 2 ** 20
/** Larger pieces than glibc allows here (32 MiB) are mapped afresh each time. */
const LARGEST_KEPT_BYTES = 32 * 2 ** 20
const GROWTH_BYTES = 4 * 2 ** 20

/**
 * Lets this process keep memory that it has freed, up to 256 MiB of it.
 *
 * Node takes new memory for each read of an accepted connection and for each large array; glibc hands it back to the
 * kernel as soon as it is free. Fetching it again, page by page, took most of the time of large blocks (decision 9).
 * Returns whether the C library knows this: musl and macOS do not, and nothing changes there.
 */
export function keepFreedMemory(): boolean {
  let mallopt: (parameter: number, value: number) => number
  try {
    mallopt = koffi.load('libc.so.6').func('mallopt', 'int', ['int', 'int']) as typeof mallopt
  } catch {
    return false
  }
  const settings = [
    [TRIM_THRESHOLD, KEPT_BYTES],
    [MMAP_THRESHOLD, LARGEST_KEPT_BYTES],
    [TOP_PAD, GROWTH_BYTES],
  ] as const
  return settings.every(([parameter, value]) => mallopt(parameter, value) === 1)
}
