export default (value: unknown) => value
