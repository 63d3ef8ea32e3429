import { measured } from './numbers.ts'

/** Dots of a Braille character, two a row, top to bottom. Source: Unicode 15, block U+2800, dots 1 to 8. */
const DOTS = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80]
const BLANK = 0x2800

/**
 * Computed against exact, for a terminal: one dot for each element, the diagonal where they agree.
 *
 * Both axes have the same scale. `columns` × `rows` characters, each 2 × 4 dots.
 */
export function scatterPlot(
  exact: ArrayLike<number>,
  computed: ArrayLike<number>,
  { columns = 40, rows = 16 }: { readonly columns?: number; readonly rows?: number } = {},
): string[] {
  let [min, max] = [Infinity, -Infinity]
  for (const values of [exact, computed]) {
    for (let i = 0; i < values.length; i++) {
      min = Math.min(min, values[i]!)
      max = Math.max(max, values[i]!)
    }
  }
  const range = max > min ? max - min : 1
  const place = (value: number, dots: number): number => Math.min(dots - 1, Math.floor(((value - min) / range) * dots))
  const cells = Array.from({ length: rows }, () => new Uint16Array(columns).fill(BLANK))
  for (let i = 0; i < exact.length; i++) {
    const x = place(exact[i]!, 2 * columns)
    const y = 4 * rows - 1 - place(computed[i]!, 4 * rows)
    cells[y >> 2]![x >> 1]! |= DOTS[2 * (y & 3) + (x & 1)]!
  }
  const [low, high] = [measured(min, 3), measured(max, 3)]
  const margin = Math.max(low.length, high.length)
  const lines = cells.map((row, index) => {
    const label = index === 0 ? high : index === rows - 1 ? low : ''
    return `${label.padStart(margin)} │${String.fromCharCode(...row)}`
  })
  const axis = `${' '.repeat(margin)} └${'─'.repeat(columns)}`
  const ends = `${' '.repeat(margin + 2)}${low}${high.padStart(columns - low.length)}`
  return ['computed', ...lines, axis, ends, `${' '.repeat(margin + 2)}${'exact'.padStart(columns)}`]
}
