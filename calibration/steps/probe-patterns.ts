const known = new Map<string, readonly Int8Array[]>()

/**
 * Signs of each input, [port][symbol]: mutually orthogonal, each as often + as −.
 *
 * As few symbols as will do, or as many as there may be: `symbols` at most. Other symbols light other inputs together, so
 * that what a converter rounds off is another number in each of them, and the mean over them finer than its steps.
 *
 * Source: Paley, J. Math. Phys. 12, 311 (1933), first construction, from a prime 3 modulo 4 that has room: the smallest,
 * or the largest.
 */
export function probePatterns(size: number, symbols = 0): readonly Int8Array[] {
  const key = `${size}/${symbols}`
  const made = known.get(key)
  if (made !== undefined) return made
  let prime = 3
  while (prime < size || !isPrime(prime)) prime += 4
  for (let larger = prime + 4; larger < symbols; larger += 4) if (isPrime(larger)) prime = larger
  const isSquare = new Set(Array.from({ length: prime - 1 }, (_, i) => ((i + 1) * (i + 1)) % prime))
  const patterns = Array.from({ length: size }, (_, port) =>
    Int8Array.from({ length: prime + 1 }, (_, symbol) => {
      if (symbol === 0) return 1
      const difference = (symbol - 1 - port + prime) % prime
      return difference === 0 || isSquare.has(difference) ? -1 : 1
    }),
  )
  known.set(key, patterns)
  return patterns
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return n > 1
}
