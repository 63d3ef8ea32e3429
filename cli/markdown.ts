/** Words as they stand, wherever Markdown would see marks in them. */
export const plain = (words: string): string =>
  words.replaceAll(/[\\`*_{}[\]<>|~]/g, (mark) => `\\${mark}`).replaceAll(/\s+/g, ' ')

/** Words that are typed, or that programs print. */
export const code = (words: string): string => `\`${words.replaceAll('`', '′').replaceAll('|', '\\|')}\``

/** Cells are Markdown already. A column of numbers is named in `right`. */
export function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = titles.map((title) => (right.includes(title) ? '---:' : '---'))
  return ['', line(titles), line(rule), ...rows.map(line), '']
}

/** What a shell takes for one word. */
export const shellWord = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
