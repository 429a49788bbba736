/** Listens and gives the port; a port that is taken is said with the remedy. */
export async function listen(
  app: { listen(options: object): Promise<string> },
  { host, port }: { host: string; port: number },
): Promise<number> {
  try {
    return Number(new URL(await app.listen({ host, port })).port)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new Error(`Port ${port} is in use; stop the program that has it, or set another port.`, {
      cause: error,
    })
  }
}
