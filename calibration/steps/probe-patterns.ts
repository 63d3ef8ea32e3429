const known = new Map<number, readonly Int8Array[]>()

/**
 * Signs of each input, [port][symbol]: mutually orthogonal, each as often + as −.
 *
 * Source: Paley, J. Math. Phys. 12, 311 (1933), first construction, from the smallest prime 3 modulo 4 that has room.
 */
export function probePatterns(size: number): readonly Int8Array[] {
  const made = known.get(size)
  if (made !== undefined) return made
  let prime = 3
  while (prime < size || !isPrime(prime)) prime += 4
  const isSquare = new Set(Array.from({ length: prime - 1 }, (_, i) => ((i + 1) * (i + 1)) % prime))
  const patterns = Array.from({ length: size }, (_, port) =>
    Int8Array.from({ length: prime + 1 }, (_, symbol) => {
      if (symbol === 0) return 1
      const difference = (symbol - 1 - port + prime) % prime
      return difference === 0 || isSquare.has(difference) ? -1 : 1
    }),
  )
  known.set(size, patterns)
  return patterns
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return n > 1
}
