"""Microsoft Entra as a directory of people, through Microsoft Graph."""
