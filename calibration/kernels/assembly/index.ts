export { nullUnitary } from './nulling'
export { backward, forward, tangent } from './chip-sweeps'
export { spread } from './grid-spread'
