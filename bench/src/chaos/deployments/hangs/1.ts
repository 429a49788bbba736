export default () => {
  for (;;) {}
}
