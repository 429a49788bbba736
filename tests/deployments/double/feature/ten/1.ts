export default (value: number) => value * 10
