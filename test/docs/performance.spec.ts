import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { calibrationPage } from '../../perf/calibration-page.ts'
import { performancePage } from '../../perf/performance-page.ts'

test('the page of measured figures says what the result files say', async () => {
  expect(await readFile('docs/performance.md', 'utf8')).toBe(await performancePage())
})

test('the tables of the calibration page say what the result files say', async () => {
  const page = await calibrationPage()
  expect(await readFile('docs/calibration.md', 'utf8')).toBe(page)
  expect(page).toContain('**mesh-error**')
})
