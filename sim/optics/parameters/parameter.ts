/** One parameter of the twin: its default, its limits and where the number comes from. Its name ends in its unit. */
export interface Parameter {
  readonly value: number
  readonly min: number
  readonly max: number
  readonly source: string
}

export type Parameters = Readonly<Record<string, Parameter>>

/** A value for each parameter. */
export type Values<Of extends Parameters> = Readonly<Record<keyof Of, number>>

export const assumption = (why: string): string => `assumption: ${why}`

/** The defaults, and what was written instead of them. */
export function valuesOf<Of extends Parameters>(
  parameters: Of,
  written: Readonly<Record<string, number | undefined>> = {},
): Values<Of> {
  const entries = Object.entries(parameters).map(([key, { value }]) => [key, written[key] ?? value])
  return Object.fromEntries(entries) as Values<Of>
}
