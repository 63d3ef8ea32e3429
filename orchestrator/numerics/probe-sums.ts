/** What the known inputs of frames came out as, against what they should be. */
export interface ProbeSums {
  readonly squaredError: number
  readonly squared: number
}

/** RMS error of probes relative to their RMS. */
export const probeErrorOf = ({ squaredError, squared }: ProbeSums): number =>
  squared > 0 ? Math.sqrt(squaredError / squared) : 0
