/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates for checks, by make_identities.sh.  They are worth nothing elsewhere. */
#ifndef WEFT_TESTS_CONFORMANCE_IDENTITIES_H
#define WEFT_TESTS_CONFORMANCE_IDENTITIES_H

#define AUTHORITY_CERTIFICATE                                          \
  "-----BEGIN CERTIFICATE-----\n"                                      \
  "MIIBujCCAV+gAwIBAgIUZSdncxnHZmUIX7lDf7JGLuS4UcMwCgYIKoZIzj0EAwIw\n" \
  "KTETMBEGA1UECgwKV2VmdCB0ZXN0czESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTIw\n" \
  "MDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjApMRMwEQYDVQQKDApXZWZ0IHRl\n" \
  "c3RzMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n" \
  "AASzCwx7g56Cq8wIyrO0SO4jTJvtNmjwZH89+PPB+iKluJ+qcozkzSEq9fyreAQp\n" \
  "DawoI/zciTVXszIK9X08JWppo2MwYTAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB\n" \
  "/wQEAwIBBjAdBgNVHQ4EFgQUziAYNsR6XHka1eN0ZcWOXHHC4bYwHwYDVR0jBBgw\n" \
  "FoAUziAYNsR6XHka1eN0ZcWOXHHC4bYwCgYIKoZIzj0EAwIDSQAwRgIhAIj7aSPI\n" \
  "3bVtstYrRpMK0a/9W4s4Mxod6L0p6OwP3cZHAiEA7Hw+tyXeGnxEdAshkvhOlBMo\n" \
  "IZTKqYM06+3udYJaPqM=\n"                                             \
  "-----END CERTIFICATE-----\n"

#define ALICE_CERTIFICATE                                              \
  "-----BEGIN CERTIFICATE-----\n"                                      \
  "MIIBgzCCASmgAwIBAgIUZIVXX42hb6APINP/G/qe9p6e7dQwCgYIKoZIzj0EAwIw\n" \
  "KTETMBEGA1UECgwKV2VmdCB0ZXN0czESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTIw\n" \
  "MDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAlMRMwEQYDVQQKDApXZWZ0IHRl\n" \
  "c3RzMQ4wDAYDVQQDDAVhbGljZTAqMAUGAytlcAMhAJH7yJjSFypGeOCMkLVTyvvm\n" \
  "9GaYfm81C4h+meAea0pEo2AwXjAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIH\n" \
  "gDAdBgNVHQ4EFgQUZfT64ELOo0Mfeu/npC/X3dddpi4wHwYDVR0jBBgwFoAUziAY\n" \
  "NsR6XHka1eN0ZcWOXHHC4bYwCgYIKoZIzj0EAwIDSAAwRQIhAOpxDpXCPReOsQ1i\n" \
  "O0xWObuTfT1YWs07WtJjIYEDyUOCAiA1AnQbLRGWP0yWkVQUOl0s5eusPBwccAAM\n" \
  "HktHVsV8gw==\n"                                                     \
  "-----END CERTIFICATE-----\n"

#define ALICE_KEY                                                      \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MC4CAQAwBQYDK2VwBCIEINwylnhtVqvjh2rY7xR3XgpuNv4rTsWOGiJMglTP6/NB\n" \
  "-----END PRIVATE KEY-----\n"

#define CAROL_CERTIFICATE                                              \
  "-----BEGIN CERTIFICATE-----\n"                                      \
  "MIIBsTCCAVigAwIBAgIUSOQafQ1gPaUw95swL9gBT/J2MWAwCgYIKoZIzj0EAwIw\n" \
  "KTETMBEGA1UECgwKV2VmdCB0ZXN0czESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTIw\n" \
  "MDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAlMRMwEQYDVQQKDApXZWZ0IHRl\n" \
  "c3RzMQ4wDAYDVQQDDAVjYXJvbDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPYo\n" \
  "DXw0k+D+c2A7LQ2A2nsvIltrc7ZmlhV5fexCWz509FjuxN2u+HDjZx3Yoyf4J2xm\n" \
  "gAw7mrZJsz99sS1Y0/2jYDBeMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeA\n" \
  "MB0GA1UdDgQWBBTWiNNCf7jnUvBPLTICMboThjz+yjAfBgNVHSMEGDAWgBTOIBg2\n" \
  "xHpceRrV43RlxY5cccLhtjAKBggqhkjOPQQDAgNHADBEAiA0ENG2ew+Q+DeIBMuw\n" \
  "adbinrjy3a6b/IPvjd8YtbGNgQIgcFnxohhpyzARPA3+GzSz3ZoJqXPr4phJjgRA\n" \
  "nrsKPts=\n"                                                         \
  "-----END CERTIFICATE-----\n"

#define CAROL_KEY                                                      \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjBVlfiMUUpnM2VOO\n" \
  "j8FUHVy3Z3hUuLBSe2Kp2dmRCCehRANCAAT2KA18NJPg/nNgOy0NgNp7LyJba3O2\n" \
  "ZpYVeX3sQls+dPRY7sTdrvhw42cd2KMn+CdsZoAMO5q2SbM/fbEtWNP9\n"         \
  "-----END PRIVATE KEY-----\n"

#define MALLORY_CERTIFICATE                                            \
  "-----BEGIN CERTIFICATE-----\n"                                      \
  "MIIBiDCCAS+gAwIBAgIUCwrHfELwDHEJX6wsjXRCXeaIC/owCgYIKoZIzj0EAwIw\n" \
  "LzETMBEGA1UECgwKV2VmdCB0ZXN0czEYMBYGA1UEAwwPb3RoZXJfYXV0aG9yaXR5\n" \
  "MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAlMRMwEQYDVQQKDApX\n" \
  "ZWZ0IHRlc3RzMQ4wDAYDVQQDDAVhbGljZTAqMAUGAytlcAMhAE4CnXaQ2azUiIg1\n" \
  "c/np7wYrUJRVU3bcgtzDOxDEwk7fo2AwXjAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB\n" \
  "/wQEAwIHgDAdBgNVHQ4EFgQUfhoUP0PeMFO/xzlO4Un5oIuDGewwHwYDVR0jBBgw\n" \
  "FoAUYO72qG0XkKggQbEfj1Z9GdVAO0swCgYIKoZIzj0EAwIDRwAwRAIga8se757p\n" \
  "I85cK2puIWSjifaHe7jVAiP754ODtEoOl8ACIDjoqLKEPxIEHtt1W2/BV1nHhL3V\n" \
  "B1vE09F3H+FRktLU\n"                                                 \
  "-----END CERTIFICATE-----\n"

#define MALLORY_KEY                                                    \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MC4CAQAwBQYDK2VwBCIEIK5YN/md7dBysD0wAqjgJVfQU8vda5WaP0loxTtqdypS\n" \
  "-----END PRIVATE KEY-----\n"

#define EXPIRED_CERTIFICATE                                            \
  "-----BEGIN CERTIFICATE-----\n"                                      \
  "MIIBgTCCASegAwIBAgIUEIcLuKtQg7AzPPg2G6zQirOtmxswCgYIKoZIzj0EAwIw\n" \
  "KTETMBEGA1UECgwKV2VmdCB0ZXN0czESMBAGA1UEAwwJYXV0aG9yaXR5MB4XDTIw\n" \
  "MDEwMTAwMDAwMFoXDTIwMDEwMjAwMDAwMFowJTETMBEGA1UECgwKV2VmdCB0ZXN0\n" \
  "czEOMAwGA1UEAwwFYWxpY2UwKjAFBgMrZXADIQC+0h5ZBhPiFBO7q9OsMTyDW1ky\n" \
  "7y18WjDvGB9UX5TDt6NgMF4wDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4Aw\n" \
  "HQYDVR0OBBYEFJNkd3wlLm7tMPLFA1Dj4NIHZWKrMB8GA1UdIwQYMBaAFM4gGDbE\n" \
  "elx5GtXjdGXFjlxxwuG2MAoGCCqGSM49BAMCA0gAMEUCIQCZIiaZdg0q0+pX7dtY\n" \
  "Q3o0geWNfmRnxahA915E39iDgAIgfPs8nrJeY6+jMn2wFYcy4oZodZspyMDI1nt3\n" \
  "0f3zltw=\n"                                                         \
  "-----END CERTIFICATE-----\n"

#define EXPIRED_KEY                                                    \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MC4CAQAwBQYDK2VwBCIEIJOSJUy+r4d/EKi/gqLEU3XL1KE34vMkdRUm4XVqr45L\n" \
  "-----END PRIVATE KEY-----\n"

#define UNSIGNING_CERTIFICATE                                          \
  "-----BEGIN CERTIFICATE-----\n"                                      \
  "MIIBszCCAVigAwIBAgIUF4yMtPfwJZgZSIjFqs7x0KRjrLMwCgYIKoZIzj0EAwIw\n" \
  "KTETMBEGA1UECgwKV2VmdCB0ZXN0czESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTIw\n" \
  "MDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAlMRMwEQYDVQQKDApXZWZ0IHRl\n" \
  "c3RzMQ4wDAYDVQQDDAVhbGljZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGAa\n" \
  "+D5BER165wuWSs9PHxS3D96QN4U/+NSgYxniSxslYYt6pgGMnl9ZogXZZ/E35hlR\n" \
  "fMr+fovPrZJIa+rbxLajYDBeMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgMI\n" \
  "MB0GA1UdDgQWBBRY6EUhS27BwvmDMeeTeVmPs2P+fDAfBgNVHSMEGDAWgBTOIBg2\n" \
  "xHpceRrV43RlxY5cccLhtjAKBggqhkjOPQQDAgNJADBGAiEAo7hEIzj9CMy7mrlw\n" \
  "c5VhgCSsBUnBLm3FRrCLeSTremoCIQCudTfAAwiGp6xHf536dV+iNLIZeNGMrhGP\n" \
  "DPh+0ND/Eg==\n"                                                     \
  "-----END CERTIFICATE-----\n"

#define UNSIGNING_KEY                                                  \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxnb3OZLg7O8/dziL\n" \
  "6NRumYtUx35E2RkyJeWJ+qegK7ahRANCAARgGvg+QREdeucLlkrPTx8Utw/ekDeF\n" \
  "P/jUoGMZ4ksbJWGLeqYBjJ5fWaIF2WfxN+YZUXzK/n6Lz62SSGvq28S2\n"         \
  "-----END PRIVATE KEY-----\n"

#define BOB_CERTIFICATE                                                \
  "-----BEGIN CERTIFICATE-----\n"                                      \
  "MIIDDDCCAfSgAwIBAgIUVSPGSuWoFskiN4NSYWstNLhUeZgwDQYJKoZIhvcNAQEL\n" \
  "BQAwDjEMMAoGA1UEAwwDYm9iMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAw\n" \
  "MDAwWjAOMQwwCgYDVQQDDANib2IwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEK\n" \
  "AoIBAQC1Nie3ILzxdP0B1z0KCpQTgowWCT9xX5czO/X/K2OqIMrsBiQQcoU2YdK+\n" \
  "Oolqy+TtsA20cDHl3jWEzl9fe5FwYrpid2ucBPTNP/TMnvy78yDX8mYcq6t7fNO9\n" \
  "cifbIq2b92cqh9rUl/ISsgoi+xiRXu/ikunPgHVSgEmQzCSJzbBHRSIKcrmXoKX8\n" \
  "xC3UVKfeUdorfZ22KsH5IySmeKP0ynjXJ5dS21dGzKyT5SDCPNTfLBtZ5glal0rK\n" \
  "Vl4pJpUEfinZhdw+A566DtigIQHcqb7HZO6txbdqbF7Lq9N8sBlHOD2f+CC3xY7U\n" \
  "79riWRNq/r0/QwEbT8eN8qjwjilVAgMBAAGjYDBeMAwGA1UdEwEB/wQCMAAwDgYD\n" \
  "VR0PAQH/BAQDAgeAMB0GA1UdDgQWBBTbxPM5AtkCEiuVwDIKvjtzKK/hfDAfBgNV\n" \
  "HSMEGDAWgBTbxPM5AtkCEiuVwDIKvjtzKK/hfDANBgkqhkiG9w0BAQsFAAOCAQEA\n" \
  "P5dcEqDjP/4rGH2a/n8a5MhYjzI6B5ePRVX7EW8pT/8yTljvMKe9GefAiA2oVS78\n" \
  "UFwPdny8MLuoruXNm4u4jfaf4aUxNnmJYgKzqo9cTBmRELWUe8umId0IjEH4aioi\n" \
  "LVMGCxdPKGoUqdHoga3VDa1PF6R8Jo+Pf9hk0RtXzAEpHEnQSA8UCePonEN2Y9Wp\n" \
  "q4DyS1W4tyZsRROfPjKZ8mvUX8RmgsmOwpgvZtzVxQEVL+rISvKCkRJCte5Pq+WT\n" \
  "xI0msp37uTFIRLQwdCEIffhfnVUjSofHPiBgIKkML/ADqEAgnPk0ol82anoD+uvI\n" \
  "CeKzPcevosFZD1PM0Rhl6g==\n"                                         \
  "-----END CERTIFICATE-----\n"

#define BOB_KEY                                                        \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC1Nie3ILzxdP0B\n" \
  "1z0KCpQTgowWCT9xX5czO/X/K2OqIMrsBiQQcoU2YdK+Oolqy+TtsA20cDHl3jWE\n" \
  "zl9fe5FwYrpid2ucBPTNP/TMnvy78yDX8mYcq6t7fNO9cifbIq2b92cqh9rUl/IS\n" \
  "sgoi+xiRXu/ikunPgHVSgEmQzCSJzbBHRSIKcrmXoKX8xC3UVKfeUdorfZ22KsH5\n" \
  "IySmeKP0ynjXJ5dS21dGzKyT5SDCPNTfLBtZ5glal0rKVl4pJpUEfinZhdw+A566\n" \
  "DtigIQHcqb7HZO6txbdqbF7Lq9N8sBlHOD2f+CC3xY7U79riWRNq/r0/QwEbT8eN\n" \
  "8qjwjilVAgMBAAECggEAG4onbwVisa995BG6DRSefHiSoaa2JZzJddffAvCtLOXe\n" \
  "8Q/d20IMTL+BL7flun1SRW1EJ/AFJVIoAA79H52/9LyMZvqPOB7otWjK424mKspA\n" \
  "a5FDQ4gzf4jxBRGcTQlwKQvoeeY7s6OD/qNgNwDCMxWij2SUdBypt+gXRhJAW1DN\n" \
  "w3svho1UJaMmk1+g1obSq0vcW4HxLRaURgvNpLzjmzgfo+gphqWwpWTDxY+jsdwy\n" \
  "6fNGiJKxkKjGohV/lZWh9sRvpi5fsWfB2H3O3uehEDnETajPcm9HWInkjQoqOCbj\n" \
  "HF3ikeonXOC6gtl8bEdOOTMDodjY/Nrs4502pywR4QKBgQDdd1ZYMKXgdOgnqHor\n" \
  "hst+t2AiVuItvAGGGB1q/U8fcng1JQPPCGVDkmOb6gfuObtIbjbEheFkPk0hZJpr\n" \
  "VGC20ubQW2IqokJBlgihl4nXTYCaBftHKQQ2H8nMjuR5Q1pTG6ZfBZHyjbgBrhgJ\n" \
  "0IvXoFwkq1jc7mHS4WdfVuG/OwKBgQDRd+blxVGcZpgaOqHoPHpTQBFkkdLVyQYJ\n" \
  "lpXFkq8p06boS76unmAX8Yv9r71LK1yelWZrSqF63yjeejCzAkl6Wo0b8cAFghEP\n" \
  "0f1jvPXA33yCiLwu8L2NbY8cphcnK4eoENAzUyHhffHO2+TKIsXET9jBk8yqGERF\n" \
  "ug+mbc5QrwKBgBra3LqG86ZbJsegU2gxyT1NaTfgxz56fMjQ5chSfSS4EcGIAoU5\n" \
  "ZGYkOzXt1BZcI8ytqLB9943bTCkPdPYs3iltO5XqbuXylQw08EkAAjP8buq+bPD9\n" \
  "FUim5CaM8UGPHEXVpYACQedirfxuKvYNttdn16SOrpDjyzLyKEHUXD1/AoGAGmgp\n" \
  "PbJAdZ0hc70MiECHk1MyXiFcGQN8tVy8iOnTF0zNb9+MrGre5mXXJiYvkPhodr2S\n" \
  "6dfAv8K+Xj29QfP522jq/Sje8lLRX9MzRI2f1a7W/YXLY4eJ/fhf4Fa3+IIuWeu0\n" \
  "s6O5U7oS7+cc0rbLg9IlG1JMrOzePoQUUQDqz5UCgYEAhPDBIxO4ElvmATwwUtlS\n" \
  "tbyFLY8h4UwwaaDFuWrO40Zud86XR/4S4OdAvCXReIwfVwXzm7F5Rt6fs8x5x234\n" \
  "xbaYUJzqdLfQYxLGyvIR7fNXYqFuflxKuFud6+BNLMLFTXx/k4zXnOPksN4NvHSi\n" \
  "OzE7D6URhvgMs5rfnddueDI=\n"                                         \
  "-----END PRIVATE KEY-----\n"

#define WEAK_CERTIFICATE                                               \
  "-----BEGIN CERTIFICATE-----\n"                                      \
  "MIICCTCCAXKgAwIBAgIUBhRLWdgr8p94pSVxlyhj4Hn5tSYwDQYJKoZIhvcNAQEL\n" \
  "BQAwDzENMAsGA1UEAwwEd2VhazAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAw\n" \
  "MDAwMFowDzENMAsGA1UEAwwEd2VhazCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkC\n" \
  "gYEAvp1jkiq+FMpBVxQhzkRQFVvKryUGlzoOGx5opM5bTp5Sap8Y2tgB1psyPyga\n" \
  "QDWAKga+W4aMBBfVddJ4cHEqobB87iJLzVY2cFehjVnEBgvB3jV9co546jGLhVAo\n" \
  "+ZWiGOupubkclPxQfsStV0IO/rYa5QTksXpwORa1MDk7DR0CAwEAAaNgMF4wDAYD\n" \
  "VR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwHQYDVR0OBBYEFLiqh18aezdLC4nm\n" \
  "14n6fYSHurXRMB8GA1UdIwQYMBaAFLiqh18aezdLC4nm14n6fYSHurXRMA0GCSqG\n" \
  "SIb3DQEBCwUAA4GBAJV1sFcOa/Ax6VsQ26df9wN8oYj+958QfcBXD09d6Cy21MqU\n" \
  "G5t4U0PRDElG/6xMxA7ILN/WUm8rbqMos+gNcb8VVrA0MSwukJ7+6vmwzIoqHJAr\n" \
  "QyjlTemWvLVjQwjf90ra+zVlxQsW3948hS2TJIWyD3B3CbnQVszP/X6/NpR2\n"     \
  "-----END CERTIFICATE-----\n"

#define WEAK_KEY                                                       \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAL6dY5IqvhTKQVcU\n" \
  "Ic5EUBVbyq8lBpc6DhseaKTOW06eUmqfGNrYAdabMj8oGkA1gCoGvluGjAQX1XXS\n" \
  "eHBxKqGwfO4iS81WNnBXoY1ZxAYLwd41fXKOeOoxi4VQKPmVohjrqbm5HJT8UH7E\n" \
  "rVdCDv62GuUE5LF6cDkWtTA5Ow0dAgMBAAECgYEAm4DYz1DRWzKZVYnV/mlaj+If\n" \
  "mvzwwISbJ2KKahDzClM810DNzRM1hLd9qWp05/b9hMuVliNQrLIo8YLvwIOCC5Xo\n" \
  "Puvw9aYevK3RNHozn9Ls+iI0mvBiPYeRsk4vXKFj3PPKL2WIVpPzqA9V2QpPyksb\n" \
  "xMYggjoGQmR3rw9z3X0CQQD15s+US4SgFD/K34maI9iTvAAf6wpLJUS4d/fZLm4M\n" \
  "kkAha03pfhfX+5/feE3znRFvluLJp+ApdnOPWdeAb5KbAkEAxnFXmGp84NeemAoU\n" \
  "go/CQkWS7tPD5jNZvATR6Y+4vx90ZKSOkKHCNcOgQaS2y7bUpUJR+9rnCG6zpDNQ\n" \
  "mvDepwJABPmsjYWRo2OFfudS82lyQlr1ba/lv2t7nnfe7egAlgSHg6WWJ/lDJj2T\n" \
  "GIRon1s4NRfKcuYQpQYehHH+6DxZrQJASahsgTCVpcejIIAtWMEPtBWrEmccQegx\n" \
  "mK6ZU/567sY4J9tE576DHf29EGCZUUhN6gGR+NAqDWE54OsDMl/R5QJBAJKdhZS5\n" \
  "OcMFlHov8kv6kBcHu9aB3al8O4wJbfnla/VzjtNPEt0L1U9SaWTgyTJC0gwoMyxk\n" \
  "OO9nqUaJBwcmFxU=\n"                                                 \
  "-----END PRIVATE KEY-----\n"

#endif /* WEFT_TESTS_CONFORMANCE_IDENTITIES_H */
