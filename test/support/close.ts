import { expect } from 'vitest'

/** Matchers for numbers that agree to so many decimals. */
export const close =
  (digits: number) =>
  (value: number): unknown =>
    expect.closeTo(value, digits)
