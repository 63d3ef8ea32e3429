import { describe, expect, test } from 'vitest'
import { shareProduct } from '../../orchestrator/jobs/share-product.ts'

const alike = [
  { outputs: 4, macsPerS: 100 },
  { outputs: 4, macsPerS: 100 },
]

describe('a product shared over cores', () => {
  test('gives two cores that are alike half of 16 columns each', () => {
    expect(shareProduct({ rows: 10, columns: 16 }, alike)).toEqual([
      { firstRow: 0, rows: 10, firstColumn: 0, columns: 8 },
      { firstRow: 0, rows: 10, firstColumn: 8, columns: 8 },
    ])
  })

  test('gives a core that is 3 times as fast 3 of 4 tiles', () => {
    const parts = shareProduct({ rows: 10, columns: 16 }, [alike[0]!, { outputs: 4, macsPerS: 300 }])
    expect(parts.map((part) => part?.columns)).toEqual([4, 12])
  })

  test('shares rows where the columns of B fill one core only', () => {
    expect(shareProduct({ rows: 10, columns: 4 }, alike)).toEqual([
      { firstRow: 0, rows: 5, firstColumn: 0, columns: 4 },
      { firstRow: 5, rows: 5, firstColumn: 0, columns: 4 },
    ])
  })

  test('leaves out a core for which nothing is left', () => {
    expect(shareProduct({ rows: 1, columns: 3 }, alike).filter((part) => part !== undefined)).toHaveLength(1)
    expect(shareProduct({ rows: 5, columns: 0 }, alike)).toEqual([undefined, undefined])
  })

  test('covers every element of C once, whatever the sizes and speeds', () => {
    for (let n = 0; n < 200; n++) {
      const [rows, columns] = [1 + ((7 * n) % 23), 1 + ((5 * n) % 37)]
      const cores = [1, 2, 3].map((c) => ({ outputs: 1 + ((n + c) % 5), macsPerS: 1 + ((n * c) % 11) }))
      const covered = new Int8Array(rows * columns)
      for (const part of shareProduct({ rows, columns }, cores)) {
        if (part === undefined) continue
        for (let row = 0; row < part.rows; row++) {
          for (let column = 0; column < part.columns; column++) {
            covered[(part.firstRow + row) * columns + part.firstColumn + column]!++
          }
        }
      }
      expect(covered.every((count) => count === 1)).toBe(true)
    }
  })
})
