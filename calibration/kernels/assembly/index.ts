export { nullUnitary } from './nulling'
export { backward, forward, tangent } from './chip-sweeps'
