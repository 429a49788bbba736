export default (hang: boolean) => {
  while (hang) {}
  return 'did not hang'
}
