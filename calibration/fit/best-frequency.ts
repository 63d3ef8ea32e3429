const GRID = 240
const REFINEMENTS = 40

/** The frequency in `range` that explains most: the range is scanned, then the best place is narrowed by golden sections. */
export function bestFrequency(
  range: { readonly min: number; readonly max: number },
  explainedBy: (k: number) => number,
): number {
  let best = { k: range.min, explained: -Infinity }
  const spacing = (range.max - range.min) / GRID
  for (let i = 0; i <= GRID; i++) {
    const k = range.min + i * spacing
    const explained = explainedBy(k)
    if (explained > best.explained) best = { k, explained }
  }
  let [low, high] = [Math.max(range.min, best.k - spacing), Math.min(range.max, best.k + spacing)]
  const ratio = (Math.sqrt(5) - 1) / 2
  for (let i = 0; i < REFINEMENTS; i++) {
    const span = (high - low) * ratio
    if (explainedBy(high - span) > explainedBy(low + span)) high = low + span
    else low = high - span
  }
  return (low + high) / 2
}
