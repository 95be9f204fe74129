/** Certificates for distribution over TLS, made by a running node, as OTP's own tests make them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErlangNode } from '../../src/testing/erlang-node.ts'
import { createTemporaryFolder, type TemporaryFolder } from '../../src/testing/temporary-folder.ts'

/** A folder with a certificate for 127.0.0.1, ::1 and localhost, and its authority. */
export interface Certificates extends TemporaryFolder {
  /** PEM files. */
  readonly authority: string
  readonly certificate: string
  readonly key: string
  /**
   * `distributionArguments` of a node that shows this certificate, and wants one of the same authority
   * from whoever connects. Its `folders` must hold `path`.
   */
  readonly distributionArguments: readonly string[]
}

export interface CertificateOptions {
  /** The certificate ended in 2011; its node takes and shows it all the same, and wants none itself. */
  readonly isExpired?: boolean
  /** The one version that the node speaks; by default what its release does. */
  readonly version?: 'tlsv1.2' | 'tlsv1.3'
}

/** `node` is of any release, without TLS; it is only asked. */
export async function createCertificates(
  node: ErlangNode,
  { isExpired = false, version }: CertificateOptions = {},
): Promise<Certificates> {
  // Strings of ASCII with \n and \" alone: what Erlang prints is JSON.
  const pems: readonly unknown[] = JSON.parse(
    await node.evaluate(chainOfCertificates(isExpired), { timeout: 60_000 }),
  )
  const folder = await createTemporaryFolder()
  const authority = join(folder.path, 'authority.pem')
  const certificate = join(folder.path, 'certificate.pem')
  const key = join(folder.path, 'key.pem')
  await writeFile(authority, String(pems[0]))
  await writeFile(certificate, String(pems[1]))
  await writeFile(key, String(pems[2]), { mode: 0o600 })
  const files = `{cacertfile, "${authority}"}, {certfile, "${certificate}"}, {keyfile, "${key}"}`
  const versions = version === undefined ? '' : `, {versions, ['${version}']}`
  const [ofServer, ofClient] = isExpired
    ? ['{verify, verify_none}', '{verify, verify_none}']
    : ['{verify, verify_peer}, {fail_if_no_peer_cert, true}', '{verify, verify_peer}']
  const optionsFile = join(folder.path, 'ssl_dist.config')
  await writeFile(
    optionsFile,
    `[{server, [${files}, ${ofServer}${versions}]}, {client, [${files}, ${ofClient}${versions}]}].\n`,
  )
  return {
    ...folder,
    authority,
    certificate,
    key,
    distributionArguments: ['-proto_dist', 'inet_tls', '-ssl_dist_optfile', optionsFile],
  }
}

/**
 * `public_key:pkix_test_data/1`; {2,5,29,17} is subjectAltName (RFC 5280, 4.2.1.6). `inet_tls_dist`
 * takes the host of a node's name for a DNS name, also where it is an address.
 */
const chainOfCertificates = (isExpired: boolean): string => `
  Validity = [{validity, {{2010,1,1}, {2011,1,1}}} || ${isExpired}],
  Names = {'Extension', {2,5,29,17}, false,
           [{dNSName, "localhost"}, {dNSName, "127.0.0.1"}, {iPAddress, <<127,0,0,1>>},
            {dNSName, "::1"}, {iPAddress, <<1:128>>}]},
  % The defaults, SHA-1 among them, are refused from OTP 26 on.
  Strength = [{digest, sha256}, {key, {namedCurve, secp256r1}}],
  Chain = #{root => Strength, intermediates => [], peer => [{extensions, [Names]} | Validity ++ Strength]},
  #{server_config := Server, client_config := Client} =
    public_key:pkix_test_data(#{server_chain => Chain, client_chain => Chain}),
  {KeyType, Key} = proplists:get_value(key, Server),
  Pem = fun(Type, Der) -> binary_to_list(public_key:pem_encode([{Type, Der, not_encrypted}])) end,
  [
    lists:append([Pem('Certificate', Der) || Der <- proplists:get_value(cacerts, Client)]),
    Pem('Certificate', proplists:get_value(cert, Server)),
    Pem(KeyType, Key)
  ]
`
