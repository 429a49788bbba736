export default (value: number) => value * 2
