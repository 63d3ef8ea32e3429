import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { performancePage } from '../../perf/performance-page.ts'

test('the page of measured figures says what the result files say', async () => {
  expect(await readFile('docs/performance.md', 'utf8')).toBe(await performancePage())
})
