import { expect, test } from 'vitest'
import { code, plain, shellWord, table } from '../../cli/markdown.ts'

test('Words stay words in Markdown', () => {
  expect(plain('E5_C *|* [x](y) <b>\n`z`')).toBe('E5\\_C \\*\\|\\* \\[x\\](y) \\<b\\> \\`z\\`')
  expect(plain('rad/V² of V†, −3 dB')).toBe('rad/V² of V†, −3 dB')
  expect(code('a|b`c')).toBe('`a\\|b′c`')
})

test('A table aligns its numbers to the right', () => {
  expect(table(['what', 'value'], [['E', '0.01']], ['value'])).toEqual([
    '',
    '| what | value |',
    '| --- | ---: |',
    '| E | 0.01 |',
    '',
  ])
})

test.each([
  ['examples/mesh-8x8.yaml', 'examples/mesh-8x8.yaml'],
  ['--sim=direct', '--sim=direct'],
  ['my bench.yaml', "'my bench.yaml'"],
  ["it's; rm", "'it'\\''s; rm'"],
  ['', "''"],
])('A shell takes %j for one word, written %s', (word, written) => {
  expect(shellWord(word)).toBe(written)
})
