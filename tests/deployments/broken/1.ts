throw new Error('the model is not here')

export default () => 1
