import { FAINT, text } from './svg.ts'

/** What stands over every picture: what it is, then of which run, bench and chip, and what is shown how. */
export interface Caption {
  readonly heading: string
  readonly lines: readonly string[]
}

/** Mean width of a letter of the font, in units of its size; a little more than the truth. */
const LETTER_WIDTH = 0.58
const HEADING_SIZE = 1.35
const LINE_HEIGHT = 1.45

/** Height that a caption takes at a width and a size of letters. Units: pixels. */
export function captionHeight(caption: Caption, width: number, size: number): number {
  const lines = wrappedLines(caption.lines, width, size).length
  const headings = wrappedLines([caption.heading], width, HEADING_SIZE * size).length
  return (headings * HEADING_SIZE + lines) * LINE_HEIGHT * size
}

/** From (x, y), the upper left corner. */
export function drawCaption(caption: Caption, x: number, y: number, width: number, size: number): string[] {
  const drawn: string[] = []
  let bottom = y
  for (const line of wrappedLines([caption.heading], width, HEADING_SIZE * size)) {
    drawn.push(text(x, bottom + HEADING_SIZE * size, HEADING_SIZE * size, line, { 'font-weight': 'bold' }))
    bottom += HEADING_SIZE * LINE_HEIGHT * size
  }
  for (const line of wrappedLines(caption.lines, width, size)) {
    drawn.push(text(x, bottom + size, size, line, { fill: FAINT }))
    bottom += LINE_HEIGHT * size
  }
  return drawn
}

/** Broken between words, so that no line is wider than the picture. */
export function wrappedLines(lines: readonly string[], width: number, size: number): string[] {
  const letters = Math.max(1, Math.floor(width / (LETTER_WIDTH * size)))
  return lines.flatMap((line) => {
    const rows = ['']
    for (const word of line.split(' ')) {
      const row = rows.at(-1)!
      if (row === '') rows[rows.length - 1] = word
      else if (row.length + 1 + word.length <= letters) rows[rows.length - 1] = `${row} ${word}`
      else rows.push(word)
    }
    return rows
  })
}
