export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** Columns as wide as their widest cell, two blanks apart. */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]!.length), title.length),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column]!
        return columns[column]!.align === 'right' ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(columns.map(({ title }) => title)), ...rows.map(line)]
}

/** At most so many letters, the last a sign that there were more. */
export const shortened = (text: string, letters: number): string =>
  text.length <= letters ? text : `${text.slice(0, letters - 1)}…`
