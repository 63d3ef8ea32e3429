/**
 * Names that people can read, type and sort: `20260801-143005-01` is the first of its kind that began in that
 * second (UTC), `-02` the next. Unique within one journal; any unambiguous beginning will do in a command.
 */
export function nextId(prefix: string, epochMs: number, taken: readonly string[]): string {
  const stem = idStem(prefix, epochMs)
  const last = taken.reduce((highest, id) => Math.max(highest, Number(id.slice(stem.length))), 0)
  return `${stem}${String(last + 1).padStart(2, '0')}`
}

/** What all names of that second begin with. */
export function idStem(prefix: string, epochMs: number): string {
  const [date = '', time = ''] = new Date(epochMs).toISOString().split('T')
  return `${prefix}${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-`
}

/** The known names whose beginning is closest to what was typed, best first. */
export function nearest(typed: string, known: readonly string[], count = 3): readonly string[] {
  return known
    .map((name) => ({ name, distance: editDistance(typed, name.slice(0, typed.length)) }))
    .sort((left, right) => left.distance - right.distance)
    .slice(0, count)
    .map(({ name }) => name)
}

/** Letters to insert, delete or replace. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const replaced = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[right.length]!
}
