/**
 * What is counted, each boundary holding all before it: the light itself; what makes and steers it; converters and
 * amplifiers; everything that hangs on the bench's wall plug.
 */
export const BOUNDARIES = ['optical', 'electro-optic', 'converters', 'wall-plug'] as const
export type Boundary = (typeof BOUNDARIES)[number]

/** One energy at each boundary, J. */
export type Joules = Readonly<Record<Boundary, number>>

/** The wall plug is one meter for everything, so it stands for all that it contains; others hold all before them. */
export function isWithin(component: Boundary, boundary: Boundary): boolean {
  if (boundary === 'wall-plug') return component === 'wall-plug'
  return BOUNDARIES.indexOf(component) <= BOUNDARIES.indexOf(boundary)
}

export function joulesBy(of: (boundary: Boundary) => number): Joules {
  return Object.fromEntries(BOUNDARIES.map((boundary) => [boundary, of(boundary)])) as Record<Boundary, number>
}
