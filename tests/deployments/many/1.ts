export default (...args: unknown[]) => args
