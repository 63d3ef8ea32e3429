/** A core and where it is described, for people; the file alone where it has one core. */
export const placeOfCore = ({ path, core }: { readonly path: string; readonly core?: string }): string =>
  core === undefined ? path : `core ${core} of ${path}`
