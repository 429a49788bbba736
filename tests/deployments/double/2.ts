export default (value: number) => value * 20
