/** The one of `names` that was probably meant by `written`, if any is near enough. */
export function closestName(written: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  // A third of the word may be wrong: "oif-ilta" still means "oif-itla", "laser" does not mean "mbx".
  let bestDistance = Math.max(1, Math.floor(written.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(written.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

const MAX_LISTED = 12

/** Sentence end that says what would be right: the near name if there is one, else all of them. */
export function didYouMean(written: string, names: readonly string[]): string {
  const near = closestName(written, names)
  if (near !== undefined) return `did you mean "${near}"?`
  const rest = names.length > MAX_LISTED ? `, and ${names.length - MAX_LISTED} more` : ''
  return `known: ${names.slice(0, MAX_LISTED).join(', ')}${rest}`
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(left: string, right: string): number {
  let before: number[] = []
  let above = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const row = [i]
    for (let j = 1; j <= right.length; j++) {
      const replace = above[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1)
      let cost = Math.min(replace, above[j]! + 1, row[j - 1]! + 1)
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
      if (swapped) cost = Math.min(cost, before[j - 2]! + 1)
      row.push(cost)
    }
    before = above
    above = row
  }
  return above[right.length]!
}
